summary.round(2)
