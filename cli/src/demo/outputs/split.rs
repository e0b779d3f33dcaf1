//! Which row of the table went where.

use crate::demo::story::Story;

/// A line for each row of `data/breast_cancer.csv`, in its order: the row, counted from 1 below the
/// header, whether it was learnt from, and the hospital that had it.
pub(super) fn write(story: &Story) -> String {
    let (train, test) = (&story.ward.train.places, &story.ward.test.places);
    let mut part = vec![String::new(); train.len() + test.len()];
    test.iter()
        .for_each(|&row| part[row] = "held out,".to_owned());
    for (number, rows) in (1..).zip(&story.hospitals) {
        for &position in rows {
            part[train[position]] = format!("training,{number}");
        }
    }
    let lines = (1..)
        .zip(&part)
        .map(|(row, p): (usize, &String)| format!("{row},{p}\n"));
    "row,part,hospital\n".to_owned() + &lines.collect::<String>()
}
