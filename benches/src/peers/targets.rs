//! What is wanted of each case.

/// One line of `peers/targets.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The case's name.
    pub case: String,
    /// Times faster than the best of all peers.
    pub ratio: Option<f64>,
    /// The same, as a further aim.
    pub stretch: Option<f64>,
    /// The share of the FMA peak that is wanted too.
    pub peak: Option<f64>,
    /// The same, as a further aim.
    pub peak_stretch: Option<f64>,
    /// The most nanoseconds.
    pub most_ns: Option<f64>,
    /// Times faster on two threads than on one.
    pub two: Option<f64>,
}

/// All that is wanted, in the order of the table.
///
/// ```
/// use lepton_benches::{known, peers::targets};
/// let names: Vec<String> = known().iter().map(|c| c.name().to_owned()).collect();
/// assert!(targets().iter().all(|t| names.contains(&t.case)));
/// ```
///
/// # Panics
/// When the table in the source tree is misspelt, which a test holds.
pub fn targets() -> Vec<Target> {
    let table = include_str!("../../peers/targets.csv");
    let lines = table.lines().filter(|l| !l.starts_with('#')).skip(1);
    lines.map(target).collect()
}

fn target(line: &str) -> Target {
    let cells: Vec<&str> = line.split(',').collect();
    let [case, numbers @ ..] = &cells[..] else {
        unreachable!("a split line has a first cell")
    };
    let number = |text: &&str| {
        let wanted = (!text.is_empty()).then_some(*text);
        wanted.map(|t| t.parse::<f64>().expect("numbers in targets.csv"))
    };
    let numbers: Vec<Option<f64>> = numbers.iter().map(number).collect();
    let [ratio, stretch, peak, peak_stretch, most_ns, two] = numbers[..] else {
        panic!("targets.csv: seven cells a line, not '{line}'")
    };
    Target {
        case: (*case).to_owned(),
        ratio,
        stretch,
        peak,
        peak_stretch,
        most_ns,
        two,
    }
}
