//! Blanking as a whole, on instances made in code.
