"""Optional parts of the installation, one file each."""
