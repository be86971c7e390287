//! What `connector new` writes is part of the program: a file that is added there builds it anew.

fn main() {
    for folder in ["../../sdk", "../../wit"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
