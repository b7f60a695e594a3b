// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "measurements",
    dependencies: [.package(name: "martlet", path: "../..")],
    targets: [
        .executableTarget(name: "measurements", dependencies: [.product(name: "Martlet", package: "martlet")]),
        .executableTarget(name: "parquet", dependencies: [.product(name: "Martlet", package: "martlet")]),
    ]
)
