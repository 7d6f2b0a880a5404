//! The client against scripted servers.

mod containers;
mod projects;
mod requests;
mod uploads;
