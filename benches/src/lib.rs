//! Benchmarks of lepton and the comparison with its peers.
