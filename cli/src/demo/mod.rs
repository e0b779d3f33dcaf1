//! The founding story on real data: one model, five hospitals, no row shared; then small, and explained.
//!
//! A chapter a file: [`ward`] the data, [`central`] the yardstick, [`private`] the same model without
//! sharing rows, [`smaller`] distilled, pruned and on integers, [`explained`] why it decides. [`story`]
//! holds what was found, [`outputs`] writes it down.

mod central;
mod explained;
mod outputs;
mod private;
mod public;
mod smaller;
mod story;
mod ward;

use lepton::explain::picture::{Lines, Series, lines};
use lepton::nn::files::ModelDir;
use lepton::{Error, Result};

use crate::args::DemoArgs;
use crate::console::{Console, columns};
use crate::progress::Progress;
use explained::Explained;
use public::Public;
use story::Judged;
use ward::Ward;

/// Everything the run found.
pub(crate) struct Story {
    pub(crate) seed: u64,
    /// Whether times were measured.
    pub(crate) timed: bool,
    pub(crate) ward: Ward,
    /// Rows of each hospital.
    pub(crate) hospitals: Vec<usize>,
    /// The models in the order of the story.
    pub(crate) models: Vec<Judged>,
    /// The accuracy of the private model by round, as a picture.
    pub(crate) curve: String,
    pub(crate) explained: Explained,
}

impl Story {
    /// The model called `name`.
    ///
    /// # Panics
    /// When the story has no such model.
    pub(crate) fn model(&self, name: &str) -> &Judged {
        self.models
            .iter()
            .find(|m| m.name == name)
            .expect("every model of the story has its name")
    }
}

pub(crate) fn run(args: &DemoArgs, console: &Console) -> Result<()> {
    // A minute of work must not end at a folder that cannot be written.
    let out = ModelDir::prepare(&args.out, &outputs::DOCUMENTS, &[])?;
    let story = tell(args, console)?;
    let documents = outputs::documents(&story)?;
    let summary = outputs::summary(&story);
    let names = outputs::model(&story).write(out, documents)?;
    if args.json {
        return console.print(&summary);
    }
    if args.quiet {
        return Ok(());
    }
    console.line(&format!(
        "\nwritten to {}: {}",
        args.out.display(),
        names.join(", ")
    ))
}

/// Runs the chapters and prints what each has found.
fn tell(args: &DemoArgs, console: &Console) -> Result<Story> {
    let (seed, timed) = (args.seed, !args.no_times);
    let progress = Progress::new(args.quiet || args.json);
    let say = |text: &str| {
        if args.quiet || args.json {
            Ok(())
        } else {
            console.line(text)
        }
    };
    let ward = Ward::new(seed)?;
    say(&format!(
        "Wisconsin breast cancer: {} rows to learn from, {} held out, seed {seed}",
        ward.train.len(),
        ward.test.len()
    ))?;
    let judge = |name, what: String, program| Judged::new(name, what, program, &ward.test, timed);
    let judge_pooled =
        |name, what: String, program| Judged::new(name, what, program, &ward.pooled[1], timed);

    say("\n1. The yardstick: all rows in one place")?;
    let model = central::train(&ward, seed, &mut progress.start("epoch", central::EPOCHS))?;
    let what = format!(
        "A {} network trained on all {} rows together, scaled by their own statistics, without any promise.",
        central::shape(),
        ward.train.len()
    );
    let yardstick = judge_pooled("central", what, central::program(&model)?)?;
    say(&format!(
        "   accuracy {:.3} on the held-out rows",
        yardstick.accuracy
    ))?;

    say("\n2. The same model, five hospitals, no row shared")?;
    let found = private::train(
        &ward,
        seed,
        &mut progress.start("round", private::STEPS as usize),
    )?;
    let what = format!(
        "The same network trained by {} hospitals ({} rows): {} rounds of FedAvg, each hospital one step of DP-SGD on all its rows.",
        found.hospitals.len(),
        found
            .hospitals
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        private::STEPS
    );
    let teacher = judge("private", what, central::program(&found.model)?)?.private(found.privacy);
    say(&format!(
        "   accuracy {:.3} at epsilon {:.3}, delta {:e}",
        teacher.accuracy, found.privacy.epsilon, found.privacy.delta
    ))?;
    let curve = curve(&found.curve, yardstick.accuracy)?;

    say("\n3. Small enough for anything: distilled, pruned, on integers")?;
    let public = Public::new(smaller::PUBLIC_ROWS, ward.features.width(), seed);
    let small = smaller::make(&found.model, &public, seed, &progress)?;
    let mut models = vec![yardstick, teacher];
    for (name, what, program) in small.into_models() {
        let model = judge(name, what, program)?.private(found.privacy);
        say(&format!(
            "   {name}: accuracy {:.3}, {} bytes",
            model.accuracy, model.bytes
        ))?;
        models.push(model);
    }
    let teacher = models[1].accuracy;
    if let Some(m) = models[2..].iter().find(|m| m.accuracy < teacher - 0.03) {
        progress.note(&format!(
            "note: {} is more than 0.03 below its teacher in this split",
            m.name
        ));
    }

    say("\n4. Why this answer?")?;
    let pruned = models
        .iter()
        .find(|m| m.name == "pruned")
        .ok_or_else(|| Error::value("there is no pruned model"))?;
    let explained = explained::explain(&pruned.program, &ward, seed)?;
    say(&format!(
        "   patient {}: {} with a chance of {:.0} % (the biopsy: {})",
        explained.patient,
        explained.predicted,
        100.0 * explained.chance,
        explained.truth
    ))?;
    for (name, part) in explained.parts.iter().take(3) {
        say(&format!("     {part:+.3} {name}"))?;
    }
    say(&format!(
        "   as rules, which agree with the model on {:.1} % of rows that the rules had not seen:",
        100.0 * explained.fidelity
    ))?;
    say(&indent(&explained.rules))?;
    say("   what hangs together among the strongest features (association, not cause):")?;
    say(&indent(&explained.graph))?;

    let heads = outputs::heads(timed)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let rows: Vec<Vec<String>> = std::iter::once(heads)
        .chain(models.iter().map(outputs::cells))
        .collect();
    let right: Vec<bool> = (0..rows[0].len()).map(|j| j > 0).collect();
    say(&format!("\n{}", columns(&rows, &right).trim_end()))?;
    Ok(Story {
        seed,
        timed,
        ward,
        hospitals: found.hospitals,
        models,
        curve,
        explained,
    })
}

fn indent(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|l| format!("     {l}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The private model's accuracy by round beside the central model's.
fn curve(accuracies: &[f64], central: f64) -> Result<String> {
    let points: Vec<(f64, f64)> = accuracies
        .iter()
        .enumerate()
        .map(|(i, &a)| (i as f64 + 1.0, a))
        .collect();
    let level = [(1.0, central), (accuracies.len() as f64, central)];
    let series = [
        Series {
            name: "five hospitals",
            points: &points,
        },
        Series {
            name: "central",
            points: &level,
        },
    ];
    lines(&Lines {
        title: "Accuracy by round",
        x: "round",
        y: "accuracy",
        series: &series,
    })
}
