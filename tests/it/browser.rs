//! The console as people live in it: in a real Chromium, by mouse, by keyboard alone and without JavaScript, over a
//! network that fails, and beside people who mean harm.

#[path = "browser/flows.rs"]
mod flows;
#[path = "browser/harm.rs"]
mod harm;
#[path = "browser/house.rs"]
mod house;
#[path = "browser/keys.rs"]
mod keys;
#[path = "browser/live.rs"]
mod live;
#[path = "browser/looks.rs"]
mod looks;
#[path = "browser/pages.rs"]
mod pages;
#[path = "browser/trouble.rs"]
mod trouble;
#[path = "browser/visitor.rs"]
mod visitor;
#[path = "browser/wire.rs"]
mod wire;
#[path = "api/world.rs"]
#[expect(dead_code, reason = "the suite of the API asks more of it")]
mod world;
