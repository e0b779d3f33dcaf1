//! Every op of the catalogue passes the derived tests, whatever the seed.

use lepton_autograd::{catalogue, testing};
use proptest::prelude::*;

/// A failing seed is as small as any other: it is printed, not shrunk.
fn seeds(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 0,
        cases,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(seeds(24))]

    #[test]
    fn every_op_passes_the_derived_tests(seed: u64) {
        testing::check_catalogue(&catalogue(), seed);
    }
}

#[test]
fn kernels_that_split_give_the_same_bits_on_any_number_of_threads() {
    testing::check_catalogue_large(&catalogue(), 1);
}

/// An op joins this list only with a reason that outweighs a batch of one's own.
#[test]
fn no_op_batches_by_a_loop() {
    let loops = catalogue().into_iter().filter(|op| op.loops);
    assert_eq!(loops.map(|op| op.name).collect::<Vec<_>>(), [""; 0]);
}
