import Glibc
import Synchronization

/// Keeps a process alive when a mapped file loses bytes under it.
///
/// Reading a mapped page that the file no longer has raises SIGBUS. The handler puts zero pages over the rest of that
/// mapping and marks it; faults anywhere else go to whoever handled them before. The table has a fixed place and
/// size, because a signal handler can neither lock nor allocate; mappings beyond it are simply not guarded.
enum MappingGuard {
    struct Ticket: Sendable { fileprivate let slot: Int }

    private struct Slot: ~Copyable {
        /// 0 is free, 1 is being filled in.
        let start = Atomic<UInt>(0)
        let end = Atomic<UInt>(0)
        let poisoned = Atomic<Bool>(false)
    }

    private static let slotCount = 1_024
    // Safety: never freed; its slots are atomics.
    private nonisolated(unsafe) static let slots: UnsafeMutablePointer<Slot> = {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: slotCount)
        for i in 0..<slotCount { unsafe (slots + i).initialize(to: Slot()) }
        return unsafe slots
    }()
    // Safety: written once, before the handler is in place.
    private nonisolated(unsafe) static var previous = sigaction()

    private static let isInstalled: Bool = {
        if let text = unsafe getenv("MARTLET_SIGBUS"), unsafe strcmp(text, "0") == 0 { return false }
        unsafe _ = slots
        guard unsafe sigaction(SIGBUS, nil, &previous) == 0 else { return false }
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_sigaction = { number, info, context in
            unsafe MappingGuard.handle(number, info, context)
        }
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | Int32(bitPattern: UInt32(SA_NODEFER))
        return unsafe sigaction(SIGBUS, &action, nil) == 0
    }()

    static func register(_ address: UnsafeMutableRawPointer, _ count: Int) -> Ticket? {
        guard isInstalled else { return nil }
        let start = UInt(bitPattern: address)
        for i in 0..<slotCount {
            guard unsafe slots[i].start.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing).exchanged
            else { continue }
            unsafe slots[i].poisoned.store(false, ordering: .relaxed)
            unsafe slots[i].end.store(start + UInt(count), ordering: .relaxed)
            unsafe slots[i].start.store(start, ordering: .releasing)
            return Ticket(slot: i)
        }
        return nil
    }

    static func withdraw(_ ticket: Ticket) {
        unsafe slots[ticket.slot].end.store(0, ordering: .relaxed)
        unsafe slots[ticket.slot].start.store(0, ordering: .releasing)
    }

    static func isPoisoned(_ ticket: Ticket) -> Bool {
        unsafe slots[ticket.slot].poisoned.load(ordering: .acquiring)
    }

    /// Runs in the signal handler: only loads, stores and system calls.
    private static func handle(
        _ number: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
    ) {
        let before = errno
        // A positive code is a fault; kill() and its like carry no address.
        if let info = unsafe info, unsafe info.pointee.si_code > 0 {
            let fault = unsafe UInt(bitPattern: info.pointee._sifields._sigfault.si_addr)
            for i in 0..<slotCount {
                let start = unsafe slots[i].start.load(ordering: .acquiring)
                let end = unsafe slots[i].end.load(ordering: .relaxed)
                guard start > 1, fault >= start, fault < end else { continue }
                let page = fault & ~4_095
                // Safety: the range lies in a mapping of ours, from whose owner the reader got the address.
                let mapped = unsafe mmap(
                    UnsafeMutableRawPointer(bitPattern: page), Int(end - page), PROT_READ,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
                if unsafe mapped == MAP_FAILED { break }
                unsafe slots[i].poisoned.store(true, ordering: .releasing)
                errno = before
                return
            }
        }
        unsafe forward(number, info, context)
        errno = before
    }

    private static func forward(
        _ number: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
    ) {
        if unsafe previous.sa_flags & SA_SIGINFO != 0, let handler = unsafe previous.__sigaction_handler.sa_sigaction {
            return unsafe handler(number, info, context)
        }
        let address = unsafe unsafeBitCast(previous.__sigaction_handler.sa_handler, to: UInt.self)
        if address > 1, let handler = unsafe previous.__sigaction_handler.sa_handler { return handler(number) }
        // The default: the faulting instruction runs again and ends the process as it would have without us.
        var action = sigaction()
        unsafe sigaction(number, &action, nil)
    }
}
