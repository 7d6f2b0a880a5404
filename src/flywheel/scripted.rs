//! A tiny server for tests: it answers each request as a script says and keeps what it was asked.
