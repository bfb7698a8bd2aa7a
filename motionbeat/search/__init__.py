"""Search by rhythm: windows of beats as vectors, the nearest of them, and the stretches at which two pieces agree."""
