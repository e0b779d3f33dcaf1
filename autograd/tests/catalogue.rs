//! Every op of the catalogue passes the derived tests.

use lepton_autograd::{catalogue, testing};

#[test]
fn every_op_passes_the_derived_tests() {
    for seed in 0..3 {
        testing::check_catalogue(&catalogue(), seed);
    }
}

#[test]
fn kernels_that_split_give_the_same_bits_on_any_number_of_threads() {
    testing::check_catalogue_large(&catalogue(), 1);
}
