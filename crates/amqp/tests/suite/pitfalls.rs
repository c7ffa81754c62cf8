//! What a broker of this kind is known to get wrong, each as a test under its number.

mod consuming;
mod declaring;
mod delivering;
mod publishing;
