"""What a deployment uses and who in it does the work, asked of the kernel: the application need not help."""
