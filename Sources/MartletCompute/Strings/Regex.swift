import Glibc
import MartletArrow
import MartletBase

/// The functions of PCRE2 that are needed, found in libpcre2-8 when the first regular expression is used.
@safe
struct RegexLibrary: @unchecked Sendable {
    typealias Pointer = UnsafeMutableRawPointer
    let compile:
        @convention(c) (
            UnsafePointer<UInt8>, Int, UInt32, UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int>, Pointer?
        ) -> Pointer?
    let freeCode: @convention(c) (Pointer?) -> Void
    let optimize: @convention(c) (Pointer?, UInt32) -> Int32
    let information: @convention(c) (Pointer?, UInt32, UnsafeMutableRawPointer?) -> Int32
    let makeMatch: @convention(c) (Pointer?, Pointer?) -> Pointer?
    let freeMatch: @convention(c) (Pointer?) -> Void
    let match: @convention(c) (Pointer?, UnsafePointer<UInt8>, Int, Int, UInt32, Pointer?, Pointer?) -> Int32
    let places: @convention(c) (Pointer?) -> UnsafeMutablePointer<Int>?
    let message: @convention(c) (Int32, UnsafeMutablePointer<UInt8>, Int) -> Int32

    private init?() {
        guard let library = unsafe dlopen("libpcre2-8.so.0", RTLD_NOW | RTLD_LOCAL) else { return nil }
        var isWhole = true
        func symbol<Function>(_ name: String) -> Function {
            let found = unsafe dlsym(library, "pcre2_\(name)_8")
            isWhole = unsafe isWhole && found != nil
            // Safety: the prototypes above are those of pcre2.h; what is missing is never called.
            return unsafe unsafeBitCast(found ?? dlsym(nil, "free"), to: Function.self)
        }
        unsafe compile = symbol("compile")
        unsafe freeCode = symbol("code_free")
        unsafe optimize = symbol("jit_compile")
        unsafe information = symbol("pattern_info")
        unsafe makeMatch = symbol("match_data_create_from_pattern")
        unsafe freeMatch = symbol("match_data_free")
        unsafe match = symbol("match")
        unsafe places = symbol("get_ovector_pointer")
        unsafe message = symbol("get_error_message")
        if !isWhole { return nil }
    }

    private static let loaded = RegexLibrary()

    static func shared() throws(MartletError) -> RegexLibrary {
        guard let loaded else {
            throw .notImplemented(
                "regular expressions need the library libpcre2-8.so.0, which this machine does not have: "
                    + "apt install libpcre2-8-0")
        }
        return loaded
    }

    func text(_ code: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBufferPointer { unsafe message(code, $0.baseAddress!, $0.count) }
        return String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
    }
}

/// A regular expression, made once a call; threads match with a `RegexMatcher` each.
@safe
final class Regex: Sendable {
    fileprivate let library: RegexLibrary
    // Safety: made by `init`, freed by `deinit`, only read between.
    fileprivate nonisolated(unsafe) let code: RegexLibrary.Pointer
    let pattern: String
    let groupCount: Int
    /// What went wrong while matching: it could take for ever, or ran out of memory.
    fileprivate let failure = Guarded<MartletError?>(nil)

    /// `isText`: characters are those of UTF-8, else bytes.
    init(_ pattern: String, ignoresCase: Bool, isText: Bool) throws(MartletError) {
        let library = try RegexLibrary.shared()
        // What is not UTF-8 in a string matches nothing; `$` is the end of the string only.
        let options: UInt32 = (isText ? 0x0408_0000 : 0) | (ignoresCase ? 0x8 : 0) | 0x10
        var (problem, place) = (0 as Int32, 0)
        let code = unsafe Array(pattern.utf8).withBytes { bytes in
            unsafe library.compile(bytes.start, bytes.count, options, &problem, &place, nil)
        }
        guard let code = unsafe code else {
            throw .invalid("Invalid regular expression: \(library.text(problem)) (at byte \(place) of '\(pattern)')")
        }
        var groups: UInt32 = 0
        _ = unsafe library.information(code, 4, &groups)
        // Where there is no compiler for this machine the expression is interpreted.
        _ = unsafe library.optimize(code, 1)
        self.library = library
        unsafe self.code = code
        self.pattern = pattern
        groupCount = Int(groups)
    }

    deinit { unsafe library.freeCode(code) }

    /// The names of the groups in order, nil for those without.
    var groupNames: [String?] {
        var names = [String?](repeating: nil, count: groupCount)
        var (count, size): (UInt32, UInt32) = (0, 0)
        var table: UnsafePointer<UInt8>? = nil
        _ = unsafe library.information(code, 17, &count)
        _ = unsafe library.information(code, 18, &size)
        _ = unsafe library.information(code, 19, &table)
        guard let table = unsafe table else { return names }
        for i in 0..<Int(count) {
            // An entry is the group's number in two bytes, then its name.
            let entry = unsafe table + i * Int(size)
            let group = unsafe Int(entry[0]) << 8 | Int(entry[1])
            if group >= 1, group <= groupCount {
                names[group - 1] = unsafe String(cString: UnsafeRawPointer(entry + 2).assumingMemoryBound(to: CChar.self))
            }
        }
        return names
    }

    /// Throws what went wrong in any thread.
    func check() throws(MartletError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}

/// The memory of one thread's matches.
@safe
final class RegexMatcher {
    private let regex: Regex
    private let memory: RegexLibrary.Pointer
    private let places: UnsafeMutablePointer<Int>

    init(_ regex: Regex) throws(MartletError) {
        self.regex = regex
        guard let memory = unsafe regex.library.makeMatch(regex.code, nil) else { throw .outOfMemory(1 << 10) }
        guard let places = unsafe regex.library.places(memory) else { throw .outOfMemory(1 << 10) }
        unsafe (self.memory, self.places) = (memory, places)
    }

    deinit { unsafe regex.library.freeMatch(memory) }

    /// Looks for the first match at or behind `start`; what stands before it counts for `^` and `\b`.
    func find(in bytes: Bytes, from start: Int = 0) -> Bool {
        guard start <= bytes.count else { return false }
        var code = unsafe regex.library.match(regex.code, bytes.start, bytes.count, start, 0, memory, nil)
        // The compiled expression's stack was too small: the interpreter uses the heap.
        if code == -46 { code = unsafe regex.library.match(regex.code, bytes.start, bytes.count, start, 0x2000, memory, nil) }
        if code >= 0 { return true }
        if code != -1 {
            let text = regex.library.text(code)
            regex.failure.withLock {
                $0 = .invalid("Regular expression '\(regex.pattern)' failed: \(text); make it simpler")
            }
        }
        return false
    }

    /// The match that was found: of all (0) or of a group; nil for a group that took no part.
    func range(_ group: Int = 0) -> Range<Int>? {
        guard group <= regex.groupCount else { return nil }
        // Safety: a pair of places for the whole and for each group.
        let (start, end) = unsafe (places[2 * group], places[2 * group + 1])
        return start >= 0 && start <= end ? start..<end : nil
    }
}
