package dev.postern.service;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Instant;

/** Who may know whom among this module's packages; between modules Maven draws the arrows. */
@AnalyzeClasses(packages = "dev.postern.service", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule nobodyKnowsTheCommandLine = noClasses()
            .that()
            .resideOutsideOfPackage("..cli..")
            .and()
            .doNotHaveFullyQualifiedName("dev.postern.service.Main")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("..cli..");

    @ArchTest
    static final ArchRule configTelemetryAndLocalDoNotKnowEachOther = noClasses()
            .that()
            .resideInAPackage("..config..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("..telemetry..", "..local..");

    @ArchTest
    static final ArchRule telemetryKnowsNeitherConfigNorLocal = noClasses()
            .that()
            .resideInAPackage("..telemetry..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.postern.service.config..", "..local..");

    @ArchTest
    static final ArchRule embeddedPostgresIsTouchedInOneClass = noClasses()
            .that()
            .doNotHaveSimpleName("LocalPostgres")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.zonky..");

    @ArchTest
    static final ArchRule micrometerIsTouchedInMetricsOnly = noClasses()
            .that()
            .haveNameNotMatching(".*\\.(Worker)?Metrics(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.micrometer..");

    @ArchTest
    static final ArchRule openTelemetryIsTouchedInOnePlace = noClasses()
            .that()
            .haveNameNotMatching(".*\\.(Traces|ApiSpans)(\\$.*)?|.*Test(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.opentelemetry..");

    @ArchTest
    static final ArchRule onlyMainLooksAtTheEnvironment = noClasses()
            .that()
            .doNotHaveFullyQualifiedName("dev.postern.service.Main")
            .should()
            .callMethod(System.class, "getenv")
            .orShould()
            .callMethod(Instant.class, "now");
}
