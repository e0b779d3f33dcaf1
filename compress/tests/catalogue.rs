//! Every op of this crate passes the derived tests.

#[test]
fn every_op_passes_the_derived_tests() {
    for seed in 0..3 {
        lepton_autograd::testing::check_catalogue(&lepton_compress::catalogue(), seed);
    }
}
