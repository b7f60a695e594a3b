// swift-tools-version: 6.2
import PackageDescription

// One executable with a fuzz target for each reader, nested so that the main package stays lean.
// `Fuzz/run.sh <target> <seconds>` builds and runs it.

let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "martlet", path: "..")],
    targets: [
        .executableTarget(
            name: "FuzzMartlet", dependencies: [.product(name: "Martlet", package: "martlet")],
            swiftSettings: [.swiftLanguageMode(.v6)])
    ]
)
