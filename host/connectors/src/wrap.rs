//! From what a compiler gives to a component, before the manifest goes into it.

use crate::fault::{ConnectorFault, FaultCode};
use std::path::Path;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// Makes a component of a core module. What it wants of the first preview of WASI it gets in terms of 0.2, by the adapter
/// of the sandbox's own release; in a module that wants nothing of it there is no adapter.
///
/// # Errors
/// What is wrong with the module, in the words of the encoder.
pub(crate) fn component_of(module: &[u8]) -> Result<Vec<u8>, String> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| {
            encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
        })
        .and_then(|encoder| encoder.encode())
        .map_err(|error| format!("{error:#}"))
}

/// Writes into a core module which world of the contract in the folder `wit` it was compiled for, as
/// [`componentize`](crate::componentize) wants to read it. For compilers that drop what a bindings generator leaves.
///
/// # Errors
/// [`FaultCode::NotAComponent`] if the contract cannot be read, has no such world, or the bytes are no module.
pub fn embed_contract(module: &mut Vec<u8>, wit: &Path, world: &str) -> Result<(), ConnectorFault> {
    let mut contract = Resolve::default();
    contract
        .push_path(wit)
        .and_then(|(package, _)| contract.select_world(&[package], Some(world)))
        .and_then(|world| {
            wit_component::embed_component_metadata(module, &contract, world, StringEncoding::UTF8, false)
        })
        .map_err(|error| {
            let what = format!("the world `{world}` of `{}` cannot be embedded: {error:#}", wit.display());
            ConnectorFault::connector(FaultCode::NotAComponent, what)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a compiler for the first preview gives: its memory, and a function of ours that asks for chance.
    const PREVIEW_1: &str = r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "run") (drop (call $random (i32.const 0) (i32.const 8)))))"#;
    const BARE: &str = r#"(module (memory (export "memory") 1) (func (export "run")))"#;

    fn wrapped(text: &str, world: &str) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let contract = "package a:b; world runs { export run: func(); }";
        std::fs::write(folder.path().join("a.wit"), contract).expect("a contract");
        let mut module = wat::parse_str(text).expect("a module");
        embed_contract(&mut module, folder.path(), world).map_err(|fault| fault.to_string())?;
        component_of(&module)
    }

    #[test]
    fn only_a_module_that_wants_the_first_preview_gets_its_adapter() {
        let check = |text: &str, expected: bool| {
            let component = wrapped(text, "runs").expect("a component");
            let wants = component.windows(12).any(|bytes| bytes == b"wasi:random/");
            assert_eq!(wants, expected, "{text}");
        };
        check(PREVIEW_1, true);
        check(BARE, false);
    }

    #[test]
    fn a_world_that_the_contract_has_not_is_named() {
        let why = wrapped(BARE, "walks").expect_err("there is no such world");
        assert!(why.contains("the world `walks` of "), "{why}");
    }
}
