//! What the page, the card and the terminal say, in one place: every sentence of it is computed from
//! the run or holds for any run.

use crate::demo::explained::{BARS, Explained, Measure};
use crate::demo::figures::{counted, epsilon, interval, within};
use crate::demo::judged::{Judged, called, chance};
use crate::demo::privacy::{Noise, Privacy};
use crate::demo::story::Story;
use crate::demo::ward::{CLASSES, MALIGNANT};

/// The marks of a model, in a line.
pub(crate) fn judged(m: &Judged) -> String {
    let (accuracy, auc) = (m.marks.accuracy, m.marks.auc);
    format!(
        "accuracy {}, AUC {}",
        within(accuracy.value(), interval(accuracy)),
        within(auc, m.marks.auc_interval)
    )
}

/// The privacy budget, in a line.
pub(crate) fn budget(p: &Privacy) -> String {
    let condition = match p.noise {
        Noise::Seeded => "if the noise were secret; here it comes from the published seed",
        Noise::Secret => "with noise from the operating system",
    };
    format!(
        "epsilon {} at delta {:e} for one row, {condition}",
        epsilon(p.epsilon),
        p.delta
    )
}

/// At which chance a patient is called malignant, and what the intervals hold.
pub(crate) fn marks(story: &Story) -> String {
    let malignant = story.ward.test.of(MALIGNANT).len();
    format!(
        "On the {} held-out patients, {malignant} of them malignant. A model calls a patient malignant when its chance \
         is above one half; no other threshold was tried. Sensitivity is the share of malignant patients called \
         malignant, specificity that of benign ones called benign. In parentheses: 95 % intervals, Wilson's for \
         shares, DeLong's for the AUC. They say how far the marks could move with other patients like these; the \
         luck of the split, the hospitals, the noise and the first weights, which another seed changes, comes on top.",
        story.ward.test.len()
    )
}

/// Which patient is explained, and why this one.
pub(crate) fn patient(e: &Explained) -> String {
    let p = &e.patient;
    let choice = match p.called == p.truth {
        true => format!(
            "Of the malignant patients that the {} model calls malignant, it is least sure of this one",
            e.model
        ),
        false => format!(
            "The {} model calls no malignant patient malignant; this one comes closest",
            e.model
        ),
    };
    format!(
        "The patient in row {} of data/breast_cancer.csv (1 is the first below the header) is held out; the biopsy \
         said {}. {choice}: a chance of {:.0} %.",
        p.row,
        CLASSES[p.truth],
        100.0 * chance(p.end)
    )
}

/// What the bars start from, end at and add up to.
pub(crate) fn bars(story: &Story) -> String {
    let p = &story.explained.patient;
    format!(
        "The score is the logarithm of the odds of malignant: above 0, the thin line, the {} model calls a patient malignant. The bars \
         lead from {:.3}, the score of a made-up patient who has the median of the {} benign held-out patients in every \
         measure, to {:.3}, the score of this one. Each bar is what one measure adds on the way (integrated gradients, exact for this model); \
         {BARS} of {} have their own, the others share the last: together they add {:+.3}. Start and parts miss the end \
         by {:.0e}. Usual is where nine of ten benign held-out patients lie; se is the standard error of a measure over \
         the nuclei of one image, worst the mean of its three largest values.",
        story.explained.model,
        p.start,
        story.ward.test.of(1 - MALIGNANT).len(),
        p.end,
        p.measures.len(),
        p.rest(),
        p.missed
    )
}

/// Whether the models agree about the explained patient.
pub(crate) fn agreement(story: &Story) -> String {
    let p = &story.explained.patient;
    let other = |m: &&Judged| called(m.marks.scores[p.position]) != p.called;
    let others: Vec<&str> = story.models.iter().filter(other).map(|m| m.name).collect();
    match others.as_slice() {
        [] => format!(
            "Every model of the table calls this patient {}.",
            CLASSES[p.called]
        ),
        names => format!(
            "Not every model says so: {} {} this patient {}.",
            names.join(", "),
            if names.len() == 1 { "calls" } else { "call" },
            CLASSES[1 - p.called]
        ),
    }
}

/// How far the rules can be trusted.
pub(crate) fn fidelity(e: &Explained) -> String {
    let (class, always) = e.rules.always;
    format!(
        "The {} model as rules: a small tree asked it around {} held-out rows. Of the other held-out rows, which the \
         tree has not seen, it gives the model's class to {}. Always saying {} would give it to {}.",
        e.model,
        e.rules.asked,
        counted(e.rules.fidelity),
        CLASSES[class],
        counted(always)
    )
}

/// What a link is.
pub(crate) fn links(story: &Story) -> String {
    let e = &story.explained;
    format!(
        "The measures that move the {} model most, and the diagnosis, in {} rows. Two are linked where no choice of the          others, held fixed, makes them independent (the PC algorithm). How it tests: {}.",
        e.model,
        story.ward.test.len(),
        e.links.note
    )
}

/// What bytes and times mean at this size.
pub(crate) fn beside_costs(story: &Story) -> String {
    let (float, int8) = (story.model("pruned"), story.model("int8"));
    let bytes = format!(
        "Files are model.safetensors and model.json; most of them says how columns are read, which no compression \
         makes smaller: int8 has {} bytes of numbers where the pruned model has {}, and {} bytes of files where that \
         has {}.",
        int8.bytes, float.bytes, int8.file_bytes, float.file_bytes
    );
    let time = match (float.micros, int8.micros) {
        (Some(a), Some(b)) if b > a => format!(
            " On integers a row takes {b:.2} microseconds instead of {a:.2}: with so few numbers the time goes into \
             calling operations, and int8 has more of them."
        ),
        (Some(a), Some(b)) => {
            format!(" On integers a row takes {b:.2} microseconds instead of {a:.2}.")
        }
        _ => " No time was measured in this run.".to_owned(),
    };
    let epsilon = match story.noise {
        Noise::Seeded => {
            "Epsilon is for one row, and holds only where the noise is secret, which it is not here. "
        }
        Noise::Secret => "Epsilon is for one row. ",
    };
    format!("{epsilon}{bytes}{time}")
}

/// What went less well than one would expect, in this run.
pub(crate) fn warnings(story: &Story) -> Vec<String> {
    let teacher = story.model("private").marks.accuracy.value();
    let far = |m: &&Judged| m.marks.accuracy.value() < teacher - 0.03;
    let below = |m: &Judged| {
        format!(
            "{} is more than 0.03 below its teacher in this run: accuracy {:.3} instead of {teacher:.3}",
            m.name,
            m.marks.accuracy.value()
        )
    };
    let mut found: Vec<String> = story.models[2..].iter().filter(far).map(below).collect();
    let e = &story.explained;
    if e.patient.start > 0.0 {
        found.push(format!(
            "the {} model calls even the median benign patient malignant (score {:.3}), so the bars start there",
            e.model, e.patient.start
        ));
    }
    let scores = &story.model("int8").marks.scores;
    if called(scores[e.patient.position]) != e.patient.called {
        found.push(format!(
            "int8 does not agree with the {} model about the explained patient",
            e.model
        ));
    }
    found.extend(e.patient.measures[..BARS].iter().filter_map(undecided));
    found
}

/// The distance of shares from which on a bar is said to tell the classes apart.
const APART: f64 = 0.1;

/// What is to say of a bar that speaks alike of patients of both classes.
fn undecided(m: &Measure) -> Option<String> {
    let [benign, malignant] = [m.adds[1 - MALIGNANT], m.adds[MALIGNANT]];
    let alike = (benign.value() - malignant.value()).abs() <= APART;
    alike.then(|| {
        format!(
            "the bar of {} says little of the class: that measure adds to the score of {} of {} benign held-out patients \
             and of {} of {} malignant ones",
            m.name, benign.part, benign.whole, malignant.part, malignant.whole
        )
    })
}

/// Where this ends.
pub(crate) fn limits(story: &Story) -> String {
    format!(
        "One data set of {} biopsies from one clinic; the {} hospitals are a Dirichlet(1) partition of it and not real. \
         The marks are those of one split. The explanations speak of a model, not of a disease. Not a medical device: \
         nothing here decides about a patient.",
        story.ward.train.len() + story.ward.test.len(),
        story.hospitals.len()
    )
}

/// Words that not every reader has met.
pub(crate) const GLOSSARY: [(&str, &str); 10] = [
    (
        "AUC",
        "The chance that a malignant patient gets a higher score than a benign one; one half is guessing.",
    ),
    (
        "95 % interval",
        "Found by a rule that holds the true value in 95 of 100 studies like this one.",
    ),
    (
        "score, chance",
        "What a model gives a patient: the logarithm of the odds of malignant, and the same as a percentage.",
    ),
    (
        "epsilon, delta",
        "How much one row can change what anybody learns: no probability grows by more than the factor e to the \
         epsilon, but for a chance of delta. 0 is perfect; at 3 the factor is 20.",
    ),
    (
        "DP-SGD",
        "Learning by gradients that are cut to a fixed length for every row, summed, and blurred by noise.",
    ),
    (
        "FedAvg",
        "Each hospital trains on its own rows, and only the models are averaged, weighted by numbers of rows.",
    ),
    (
        "distilled",
        "Trained on another model's answers instead of on patients.",
    ),
    (
        "int8",
        "Numbers in 8 bits instead of 32, each with a common scale.",
    ),
    (
        "se, worst",
        "Columns of the data: the standard error of a measure over the nuclei of an image, and the mean of its three \
         largest values.",
    ),
    (
        "resamples",
        "As many rows as there are, drawn from them with repetition. What recurs in few of them rests on few rows.",
    ),
];
