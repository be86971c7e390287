//! Telling people: whom, in which words, and over real SMTP and HTTP. When it is told, and what becomes of
//! what does not get through, stands in `spec/notices.feature`.

#[path = "notices/house.rs"]
mod house;
#[path = "notices/mail.rs"]
mod mail;
#[path = "notices/webhook.rs"]
mod webhook;
#[path = "notices/whom.rs"]
mod whom;
#[path = "notices/words.rs"]
mod words;
