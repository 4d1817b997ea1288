"""The computer: its GPUs and their lease, its processor, and how much of them a training uses."""
