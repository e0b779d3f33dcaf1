//! The founding story on real data: one model, five hospitals, no row shared; then small, and explained.
//!
//! A chapter a file: [`ward`] the data, [`central`] the yardstick, [`private`] the same model without
//! sharing rows, [`smaller`] distilled, pruned and on integers, [`explained`] why it decides. [`story`]
//! holds what was found, [`outputs`] writes it down, [`folders`] says where.

mod central;
mod explained;
mod figures;
mod folders;
mod judged;
mod outputs;
mod privacy;
mod private;
mod public;
mod smaller;
mod story;
mod teller;
mod ward;

use lepton::nn::{Program, TabularModel};
use lepton::tabular::{CellFormat, Features};
use lepton::{Error, Result};

use crate::args::DemoArgs;
use crate::console::Console;
use explained::Explained;
use folders::{Folders, MODELS};
use judged::Judged;
use outputs::{tables, words};
use private::Private;
use public::Public;
use story::Story;
use teller::Teller;
use ward::Ward;

pub(crate) fn run(args: &DemoArgs, console: &Console) -> Result<()> {
    let mut folders = Folders::prepare(&args.out, &outputs::DOCUMENTS)?;
    let teller = Teller::new(args, console);
    let mut story = tell(&teller)?;
    let models: Vec<&TabularModel> = story.models.iter().map(|m| &m.model).collect();
    let sizes = folders.models(&models)?;
    for (judged, size) in story.models.iter_mut().zip(sizes) {
        judged.file_bytes = size;
    }
    let documents = outputs::documents(&story)?;
    folders.whole(&story.model(EXPLAINED).model, documents)?;
    for warning in words::warnings(&story) {
        teller.progress.note(&format!("note: {warning}"));
    }
    teller.say(&tables::plain(&story))?;
    if args.json {
        return console.print(&outputs::summary::write(&story));
    }
    teller.say(&format!(
        "\nwritten to {}: {}; a directory for each model: {}",
        args.out.display(),
        outputs::DOCUMENTS.join(", "),
        MODELS.join(", ")
    ))
}

/// Runs the chapters; each prints what it has found.
fn tell(teller: &Teller<'_>) -> Result<Story> {
    let ward = Ward::new(teller.seed)?;
    teller.say(&format!(
        "Wisconsin breast cancer: {} rows to learn from, {} held out, seed {}",
        ward.train.len(),
        ward.test.len(),
        teller.seed
    ))?;
    let central = yardstick(teller, &ward)?;
    let (private, teacher) = hospitals(teller, &ward)?;
    let mut models = vec![central, teacher];
    models.extend(small(teller, &ward, &private)?);
    let explained = why(teller, &ward, &models)?;
    Ok(Story {
        seed: teller.seed,
        noise: teller.noise,
        timed: teller.timed,
        ward,
        hospitals: private.hospitals,
        models,
        curve: private.curve,
        explained,
    })
}

/// A program as a model of the table.
fn model(ward: &Ward, features: &Features, program: Program) -> TabularModel {
    TabularModel {
        program,
        features: features.clone(),
        target: ward.target.clone(),
        cells: CellFormat::default(),
    }
}

fn yardstick(teller: &Teller<'_>, ward: &Ward) -> Result<Judged> {
    teller.say("\n1. The yardstick: all rows in one place")?;
    let mut steps = teller.progress.start("epoch", central::EPOCHS);
    let net = central::train(ward, teller.seed, &mut steps)?;
    let what = format!(
        "A {} network trained on all {} training rows together, scaled by their own statistics. It promises \
         nothing about a row: its epsilon is infinite.",
        central::shape(),
        ward.train.len()
    );
    let model = model(ward, &ward.standard, central::program(&net)?);
    let judged = Judged::new("central", what, model, ward, teller.timed)?;
    teller.say(&format!("   {}", words::judged(&judged)))?;
    Ok(judged)
}

fn hospitals(teller: &Teller<'_>, ward: &Ward) -> Result<(Private, Judged)> {
    teller.say("\n2. The same model, five hospitals, no row shared")?;
    let mut steps = teller.progress.start("round", private::STEPS as usize);
    let found = private::train(ward, teller.seed, teller.noise, &mut steps)?;
    let sizes: Vec<usize> = found.hospitals.iter().map(Vec::len).collect();
    let what = format!(
        "The same network trained by {} hospitals ({} rows): {} rounds of federated averaging (FedAvg), in each \
         of which every hospital takes one noisy step (DP-SGD) on all its rows. The model is the mean of the last \
         {} rounds' models.",
        sizes.len(),
        figures::list(&sizes),
        private::STEPS,
        private::LAST
    );
    let model = model(ward, &ward.features, central::program(&found.model)?);
    let judged = Judged::new("private", what, model, ward, teller.timed)?.private(&found.privacy);
    teller.say(&format!(
        "   {}\n   {}",
        words::judged(&judged),
        words::budget(&found.privacy)
    ))?;
    Ok((found, judged))
}

fn small(teller: &Teller<'_>, ward: &Ward, private: &Private) -> Result<Vec<Judged>> {
    teller.say("\n3. Small enough for anything: distilled, pruned, on integers")?;
    let public = Public::new(smaller::PUBLIC_ROWS, ward.features.width(), teller.seed);
    let made = smaller::make(&private.model, &public, teller.seed, teller.progress)?;
    let judge = |(name, what, program)| -> Result<Judged> {
        let model = model(ward, &ward.features, program);
        let judged = Judged::new(name, what, model, ward, teller.timed)?.private(&private.privacy);
        teller.say(&format!("   {name}: {}", words::judged(&judged)))?;
        Ok(judged)
    };
    made.into_iter().map(judge).collect()
}

/// The model that is explained: the smallest one in f32.
const EXPLAINED: &str = "pruned";

fn why(teller: &Teller<'_>, ward: &Ward, models: &[Judged]) -> Result<Explained> {
    teller.say(&format!("\n4. Why this answer? (the {EXPLAINED} model)"))?;
    let judged = models.iter().find(|m| m.name == EXPLAINED);
    let judged =
        judged.ok_or_else(|| Error::value(format!("there is no {EXPLAINED} model to explain")))?;
    let found = explained::explain(judged, ward, teller.seed)?;
    teller.indented(3, &words::patient(&found))?;
    for m in found.patient.measures.iter().take(3) {
        teller.say(&format!("     {:+.3} {}", m.part, m.name))?;
    }
    teller.indented(3, &words::fidelity(&found))?;
    teller.indented(5, &found.rules.text())?;
    teller.say("   what hangs together among its strongest features (association, not cause):")?;
    teller.indented(5, &found.links.text())?;
    teller.indented(3, &found.links.caveat())?;
    Ok(found)
}
