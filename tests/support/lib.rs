//! What the suites share: scripted ports, real servers, a world to put them in.

pub mod browser;
pub mod deals;
pub mod dmn;
pub mod draw;
pub mod evidence;
pub mod guests;
pub mod host;
pub mod measured;
pub mod scripted;
pub mod servers;
pub mod small_disk;
pub mod stores;
pub mod told;
pub mod web_driver;
pub mod world;
