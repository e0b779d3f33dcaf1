//! Why a model decides as it does: attributions, rules, causal graphs and pictures.
