//! The allocator of a component, which begins with memory that every instance has from its start.
//!
//! An instance lives for one call. Whatever memory it has to ask for costs the host a change of page protection, and
//! another one when the instance is gone; most calls need less than what stands here, and ask for none.

use core::alloc::Layout;
use core::arch::wasm32::memory_grow;
use core::mem::MaybeUninit;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// Bytes that are there without being asked for. They are zeros, so no component is longer for them.
const OWN_BYTES: usize = 256 * 1024;

/// Bytes of a page of linear memory.
const PAGE_BYTES: usize = 64 * 1024;

/// Pages that are asked for at once, at least (256 KiB).
const PAGES_MIN: usize = 4;

/// Bytes beside an allocation, at most, that its block and the ends of a region need.
const AROUND_BYTES: usize = 1_024;

static mut OWN: [MaybeUninit<u8>; OWN_BYTES] = [MaybeUninit::uninit(); OWN_BYTES];

#[global_allocator]
static MEMORY: TalcSyncCell<Memory, WasmBinning> = TalcSyncCell::new_wasm(Memory { has_own: false });

/// Where memory comes from: first what is there, then what the host gives.
#[derive(Debug)]
struct Memory {
    has_own: bool,
}

// SAFETY: it allocates nothing, and touches the allocator only by the reference that it is given.
#[expect(unsafe_code, reason = "an allocator is told which memory is its own")]
unsafe impl Source for Memory {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        if !core::mem::replace(&mut talc.source.has_own, true) {
            // SAFETY: nobody else names this memory, and it is claimed once.
            let claimed = unsafe { talc.claim((&raw mut OWN).cast(), OWN_BYTES) };
            return claimed.map(drop).ok_or(());
        }
        let bytes =
            layout.size().checked_add(layout.align()).and_then(|bytes| bytes.checked_add(AROUND_BYTES));
        let pages = bytes.ok_or(())?.div_ceil(PAGE_BYTES).max(PAGES_MIN);
        let before = memory_grow::<0>(pages);
        if before == usize::MAX {
            return Err(());
        }
        // SAFETY: these pages are new: nobody has had them before.
        let claimed = unsafe {
            talc.claim(core::ptr::with_exposed_provenance_mut(before * PAGE_BYTES), pages * PAGE_BYTES)
        };
        claimed.map(drop).ok_or(())
    }
}
