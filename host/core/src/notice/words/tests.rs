//! Golden texts of every kind of message.
