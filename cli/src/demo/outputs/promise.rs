//! What a reader must know about the privacy that is promised, in the words of the page and the card.

use crate::demo::figures::epsilon;
use crate::demo::privacy::{Noise, Privacy};
use crate::demo::private::{CLIP, LAST};
use crate::demo::story::Story;

/// The promise, and each of its limits: a paragraph each.
pub(super) fn paragraphs(story: &Story) -> [String; 5] {
    let p = story.privacy();
    [bound(p), noise(story), unit(p), trials(p), scope(story)]
}

fn bound(p: &Privacy) -> String {
    format!(
        "Each hospital cuts the gradient of every row to length {CLIP} and adds Gaussian noise ({:.2} times that length) \
         before anything leaves it. Over all {} rounds, what anybody can learn about one row from what leaves the \
         hospital is bounded by epsilon = {} at delta = {:e} (Renyi accounting). Neighbouring tables, of which the \
         bound speaks, differ in one row, whose gradients are zeros in one of them (zero-out); the numbers of rows are \
         public.",
        p.noise_multiplier,
        p.steps,
        epsilon(p.epsilon),
        p.delta
    )
}

fn noise(story: &Story) -> String {
    let integers = "A deployment also needs noise on integers, from a generator that the hospital alone holds: noise in \
                    floating point leaves gaps that can give a sum away.";
    match story.noise {
        Noise::Seeded => format!(
            "In this run the promise does not hold: the noise comes from seed {}, which this page prints so that the run \
             can be repeated. Whoever knows it subtracts the noise. `lepton demo --secret-noise` draws the seed of the \
             noise from the operating system and writes it nowhere. {integers}",
            story.seed
        ),
        Noise::Secret => format!(
            "The noise of this run comes from a seed of the operating system that is written nowhere, so the run cannot \
             be repeated; seed {} gives everything else. {integers}",
            story.seed
        ),
    }
}

fn unit(p: &Privacy) -> String {
    format!(
        "The bound is for one row, not for a hospital: for all {} rows of the smallest hospital together, the same noise \
         gives epsilon = {}, which hides nothing.",
        p.smallest.0,
        epsilon(p.smallest.1)
    )
}

fn trials(p: &Privacy) -> String {
    format!(
        "The length {CLIP}, the learning rate, the number of rounds and the mean over the last {LAST} rounds were chosen \
         by trying them on this table. Trials are releases too, and epsilon does not count them: {} runs like this one \
         on the same rows compose to epsilon = {}.",
        p.runs.0,
        epsilon(p.runs.1)
    )
}

fn scope(story: &Story) -> String {
    format!(
        "The promise is that of the private model, and of the distilled, pruned and int8 models, which are made from its \
         answers to made-up rows. The yardstick has none: its epsilon is infinite, and a hospital would hand out neither \
         the directory central nor split.csv. Marks, rules, links and explanation come without noise from the held-out \
         patients, who are taken to have agreed to it; one of them, in row {}, is shown value by value.",
        story.explained.patient.row
    )
}
