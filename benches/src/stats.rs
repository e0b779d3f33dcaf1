//! Statistics of samples.

/// What a history keeps of the samples of one case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The shortest.
    pub min: f64,
    /// The middle one.
    pub median: f64,
    /// The median of the distances from the median.
    pub mad: f64,
    /// How many there were.
    pub samples: usize,
}

impl Summary {
    /// That of `samples`.
    ///
    /// ```
    /// use lepton_benches::stats::Summary;
    /// let s = Summary::of(&[4.0, 1.0, 9.0]);
    /// assert_eq!((s.min, s.median, s.mad), (1.0, 4.0, 3.0));
    /// ```
    ///
    /// # Panics
    /// When there is none.
    pub fn of(samples: &[f64]) -> Summary {
        let middle = median(samples);
        let off: Vec<f64> = samples.iter().map(|x| (x - middle).abs()).collect();
        Summary {
            min: quantile(samples, 0.0),
            median: middle,
            mad: median(&off),
            samples: samples.len(),
        }
    }
}

/// The value below which a share `q` of `x` lies, between two neighbours in proportion.
///
/// ```
/// assert_eq!(lepton_benches::stats::quantile(&[3.0, 1.0, 2.0], 0.75), 2.5);
/// ```
///
/// # Panics
/// When `x` is empty.
pub fn quantile(x: &[f64], q: f64) -> f64 {
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// The middle value.
///
/// # Panics
/// When `x` is empty.
pub fn median(x: &[f64]) -> f64 {
    quantile(x, 0.5)
}

/// The distance that counts as far: the third quartile and three times the distance of the quartiles,
/// as rustc's performance tracker has it.
pub fn far(x: &[f64]) -> f64 {
    let [first, third] = [0.25, 0.75].map(|q| quantile(x, q));
    third + 3.0 * (third - first)
}

/// Medians of `draws` samples drawn from `x` with replacement (Efron 1979), the same for one `seed`.
///
/// # Panics
/// When `x` is empty.
pub fn bootstrap_medians(x: &[f64], draws: usize, seed: u64) -> Vec<f64> {
    let picked = crate::inputs::ids(draws * x.len(), x.len() as u64, seed);
    let sample = |at: &[i64]| at.iter().map(|i| x[*i as usize]).collect::<Vec<_>>();
    picked
        .chunks(x.len())
        .map(|at| median(&sample(at)))
        .collect()
}

/// How unlikely it is that `x` lies around zero: the standard score of the sign test, negative where
/// most of `x` is. A burst of noise counts no more than any other sample.
///
/// ```
/// assert_eq!(lepton_benches::stats::signs(&[1.0, 2.0, 3.0, -50.0]), 1.0);
/// ```
pub fn signs(x: &[f64]) -> f64 {
    let sign = |v: &f64| if *v == 0.0 { 0.0 } else { v.signum() };
    let sum: f64 = x.iter().map(sign).sum();
    sum / (x.len().max(1) as f64).sqrt()
}
