// swift-tools-version: 6.2
import PackageDescription

// The rooms of the house in dependency order: a target imports only targets above it in this file.
// Linking choices (static Swift runtime, static codecs, the version script) belong to the command
// line of `make`, so that Swift packages can depend on Martlet without unsafe flags.

let language: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]
let settings = language + [.strictMemorySafety()]

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, exclude: ["README.md"], swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.byName(name: name), "MartletTestSupport"] + dependencies,
        swiftSettings: settings)
}

func codec(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let package = Package(
    name: "martlet",
    products: [
        .library(name: "Martlet", targets: ["Martlet"]),
        .library(name: "martlet", type: .dynamic, targets: ["MartletC"]),
    ],
    targets: [
        // The C contract and the compression libraries.
        .systemLibrary(name: "CMartlet", path: "include"),
        codec("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        codec("CLz4", pkgConfig: "liblz4", apt: "liblz4-dev"),
        codec("CSnappy", pkgConfig: "snappy", apt: "libsnappy-dev"),
        codec("CDeflate", pkgConfig: "libdeflate", apt: "libdeflate-dev"),
        codec("CBrotli", pkgConfig: "libbrotlienc libbrotlidec", apt: "libbrotli-dev"),
        // One instruction that Swift has no word for.
        .systemLibrary(name: "CPrefetch"),

        // Floor 0
        room("MartletBase", []),
        // Floor 1
        room("MartletIO", ["MartletBase"]),
        room("MartletCodecs", ["MartletBase", "CZstd", "CLz4", "CSnappy", "CDeflate", "CBrotli"]),
        room("MartletArrow", ["MartletBase", "CMartlet"]),
        // Floor 2
        room("MartletCompute", ["MartletArrow", "MartletBase"]),
        room("MartletIPC", ["MartletArrow", "MartletIO", "MartletCodecs", "MartletBase"]),
        room("MartletParquet", ["MartletArrow", "MartletIO", "MartletCodecs", "MartletBase"]),
        // Floor 3
        room(
            "MartletDataset",
            ["MartletParquet", "MartletIPC", "MartletCompute", "MartletArrow", "MartletIO", "MartletBase"]),
        // Floor 4
        room(
            "Martlet",
            [
                "MartletDataset", "MartletParquet", "MartletIPC", "MartletCompute", "MartletArrow", "MartletCodecs",
                "MartletIO", "MartletBase",
            ]),
        // Python's objects as arrays and back. Every line of it handles CPython's pointers, as in the C door.
        .target(
            name: "MartletPython", dependencies: ["MartletArrow", "MartletBase", "CMartlet", "CPrefetch"],
            exclude: ["README.md"], swiftSettings: language),
        // Floor 5: the C door. Every line of it handles the caller's pointers, so marking each would say nothing.
        .target(
            name: "MartletC",
            dependencies: [
                "MartletDataset", "MartletParquet", "MartletIPC", "MartletCompute", "MartletPython", "MartletArrow",
                "MartletIO", "MartletBase", "CMartlet",
            ],
            exclude: ["README.md"], swiftSettings: language),

        .target(
            name: "MartletTestSupport", dependencies: ["MartletArrow", "MartletBase"],
            path: "Tests/MartletTestSupport", swiftSettings: settings),
        .testTarget(name: "HouseTests", dependencies: ["MartletIO", "MartletBase"], swiftSettings: settings),
        tests("MartletBase", []),
        tests("MartletIO", ["MartletBase"]),
        tests("MartletCodecs", ["MartletBase"]),
        tests("MartletArrow", ["MartletBase", "CMartlet"]),
        tests("MartletCompute", ["MartletArrow", "MartletBase"]),
        tests("MartletIPC", ["MartletArrow", "MartletIO", "MartletCodecs", "MartletBase"]),
        tests("MartletParquet", ["MartletArrow", "MartletIO", "MartletBase"]),
        tests("MartletDataset", ["MartletParquet", "MartletCompute", "MartletArrow", "MartletIO", "MartletBase"]),
    ]
)
