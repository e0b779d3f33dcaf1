//! Reverse and forward mode differentiation of any order for lepton: variables, ops, traces and the gradient checker.
