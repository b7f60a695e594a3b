// swift-testing support
