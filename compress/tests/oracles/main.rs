//! Numbers of other systems: fake quantisation, observers, integer layers, masks, distillation.

mod file;
mod quantisation;
mod training;
