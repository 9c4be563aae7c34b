//! The core, case by case.

mod choosing;
mod pairs;
mod views;
mod world;
