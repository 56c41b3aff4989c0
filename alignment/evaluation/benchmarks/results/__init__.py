"""What benchmarks came to: estimates, reports, pictures, and models side by side."""
