//! The private training, round by round.

use lepton::Result;
use lepton::explain::picture::{Lines, Series, lines};

use crate::demo::private;
use crate::demo::story::Story;

/// The accuracy of each round's model, beside that of the mean of the last ones and the yardstick's.
pub(super) fn draw(story: &Story) -> Result<String> {
    let rounds = story.curve.len();
    let points = |(i, &a): (usize, &f64)| (i as f64 + 1.0, a);
    let each: Vec<(f64, f64)> = story.curve.iter().enumerate().map(points).collect();
    let level = |name: &str, from: usize| {
        let accuracy = story.model(name).marks.accuracy.value();
        [(from as f64, accuracy), (rounds as f64, accuracy)]
    };
    let mean = level("private", rounds.saturating_sub(private::LAST) + 1);
    let central = level("central", 1);
    let name = format!("mean of the last {}", private::LAST);
    let series = [
        ("each round's model", &each[..]),
        ("central", &central[..]),
        (&name, &mean[..]),
    ];
    lines(&Lines {
        title: "Accuracy by round",
        x: "round",
        y: "accuracy on the held-out rows",
        series: &series.map(|(name, points)| Series { name, points }),
    })
}
