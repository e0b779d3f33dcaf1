//! N-dimensional arrays for lepton: layouts, dtypes, SIMD kernels, threads and counter-based randomness.
