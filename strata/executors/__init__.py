"""Ways to run one action: `local` on this machine; and executors around executors."""
