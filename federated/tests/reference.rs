//! Runs every case below `reference/dp`, or below `$LEPTON_REFERENCE/dp` when that variable is set.
//!
//! `cargo test --release -p lepton-federated --test reference -- --nocapture` shows one line for
//! each failed and unsupported case and one for the area. A file is known by its columns, never by
//! its name; a row is a case.

#[path = "reference/area.rs"]
mod area;
#[path = "reference/dp.rs"]
mod dp;

#[test]
fn dp() {
    area::run("dp", dp::check);
}
