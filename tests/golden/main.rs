//! Golden pictures.
fn main() {}
