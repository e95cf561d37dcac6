"""What `benchmarks.bazel_answers` asks: small workspaces, and expressions in both languages."""
