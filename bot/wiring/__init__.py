"""How a running house is put together: concrete parts meet here, and nowhere else."""
