//! Round trips over a socket.
