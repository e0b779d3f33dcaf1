//! Pictures as SVG text: signed bars, the way from one score to another, curves and graphs.
//!
//! They are drawn for a phone (360 units wide) with colours that colour-blind readers tell apart
//! (Okabe & Ito, 2008), never by colour alone. By itself a picture is black on white; inside a
//! [`Report`](crate::report::Report) it takes the page's colours, light or dark. The same input
//! gives the same bytes.

mod axis;
mod bars;
mod canvas;
mod dag;
mod lines;
mod waterfall;

pub use bars::{Bars, bars};
pub use dag::{dag, labelled_dag};
pub use lines::{Lines, Series, lines};
pub use waterfall::{Part, Waterfall, waterfall};
