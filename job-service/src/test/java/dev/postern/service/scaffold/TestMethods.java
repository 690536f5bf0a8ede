package dev.postern.service.scaffold;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import org.junit.jupiter.api.Test;

/** Runs the test methods of a class, in a process of its own: the launcher of JUnit is not on a test's class path. */
final class TestMethods {

    private TestMethods() {}

    public static void main(String[] args) throws ReflectiveOperationException {
        Class<?> test = Class.forName(args[0]);
        Constructor<?> constructor = test.getDeclaredConstructor();
        constructor.setAccessible(true);
        int passed = 0;
        for (Method method : test.getDeclaredMethods()) {
            if (method.isAnnotationPresent(Test.class)) {
                method.setAccessible(true);
                method.invoke(constructor.newInstance());
                passed++;
            }
        }
        System.out.println(passed + " tests passed");
    }
}
