"""The computer, not the learning: its GPUs and their lease, its processor, and what a training uses of them."""
