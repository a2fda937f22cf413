//! Files that are shipped beside the program agree with it and with each other.
