"""What every user gives, checked once: times, labels, files, windows."""
