import CMartlet
import MartletBase

// martlet.h, "status, errors, options, progress".

private nonisolated(unsafe) let versionText: UnsafePointer<CChar> = {
    let text: StaticString = "0.1.0"
    return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}()

@_cdecl("martlet_version")
public func martletVersion() -> UnsafePointer<CChar> { versionText }

@_cdecl("martlet_thread_count")
public func threadCount() -> Int32 { Int32(clamping: WorkerPool.threadCount) }

@_cdecl("martlet_set_thread_count")
public func setThreadCount(_ count: Int32) { WorkerPool.threadCount = Int(count) }

@_cdecl("martlet_memory_live")
public func memoryLive() -> Int64 { Int64(MemoryStatistics.liveByteCount) }

@_cdecl("martlet_memory_peak")
public func memoryPeak() -> Int64 { Int64(MemoryStatistics.peakByteCount) }

@_cdecl("martlet_memory_release_unused")
public func memoryReleaseUnused() { MemoryStatistics.releaseUnused() }
