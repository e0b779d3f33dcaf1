//! Smaller models with lepton: pruning, quantisation and distillation.
