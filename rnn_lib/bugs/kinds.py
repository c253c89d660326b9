"""What each kind of mistake is: the idea to go back to and the line to look at; never the corrected line."""

KINDS = {
    "carry_missing": (
        "Each step's error stays at its own step. h_t reaches the loss by two roads, through y_t and through z_{t+1}. "
        "Look at the line where dL/dh_t is put together: which road is missing, or computed and then dropped?"
    ),
    "W_hh_untransposed": (
        "The carry goes through W_hh the wrong way round. The forward pass multiplies by W_hh to get from h_{t-1} to "
        "z_t; the way back swaps inputs and outputs. Look at the line that makes the carry: which index of W_hh is "
        "summed over?"
    ),
    "W_hh_missing": (
        "The carry is handed on without going through W_hh. Look at the line that makes the carry: h_{t-1} enters z_t "
        "multiplied by something."
    ),
    "wrong_direction": (
        "The carry comes from the past. dL/dh_t needs what happens at t+1 first. Look at the order in which your loop "
        "visits the steps."
    ),
    "carry_negated": (
        "The carry has the wrong sign. dL/dh_t is the sum of what comes by its two roads. Look at the line where they "
        "join, and for a minus sign in the line that makes the carry."
    ),
    "carry_start": (
        "The carry starts from something. No step follows the last one, so nothing comes back to it. Look at what the "
        "carry is before the loop's first round."
    ),
    "truncated": (
        "Errors travel back only so far. In full BPTT an error reaches every earlier step. Look at where the loop "
        "over earlier steps ends, and where the carry is set to zero."
    ),
    "clipped": (
        "Something inside backward is clipped: twice the error does not give twice the gradient. Clip the finished "
        "gradients, all together, and only after backward. Look for np.clip, a minimum or a norm."
    ),
    "small_lost": (
        "What is small gets lost: the gradients are right once the output errors are a million times larger. Half the "
        "error must give half the gradient. Look for a threshold, a comparison or a rounding."
    ),
    "double_tanh": (
        "tanh is applied twice. Your tanh' is written for z_t, but what the forward pass kept is h_t = tanh(z_t), "
        "already squashed. Look at the line with tanh': what is it a function of?"
    ),
    "tanh_derivative_missing": (
        "A factor tanh' is missing. Going back from h_t to z_t always passes through tanh, for the error through y_t "
        "and for the carry alike, and before anything reaches a weight. Look at each use of dL/dh_t and dL/dz_t: are "
        "they mixed up?"
    ),
    "tanh_derivative_wrong_side": (
        "The right factors in the wrong order. Between h_{t+1} and h_t the way back meets tanh' of step t+1 first and "
        "W_hh after. Look at the line that makes the carry."
    ),
    "tanh_derivative_wrong_step": (
        "tanh' belongs to another step. Each step has its own h_t and so its own tanh'. Look at the index of the "
        "state in the line with tanh' (hidden_states[0] is the initial state), and at what the steps share."
    ),
    "wrong_derivative": (
        "That is not the derivative of tanh. Look at the line with tanh': differentiate tanh(z) and express it "
        "through h = tanh(z)."
    ),
    "state_off_by_one": (
        "A step is off by one. hidden_states[0] is the initial state, so there is one state more than there are "
        "steps. Look at the index of hidden_states and X in each product, and at both ends of the loop."
    ),
    "state_wraps": (
        "Index -1 wraps round. At the first step, t - 1 is -1, and NumPy reads that as the last state. Look at the "
        "index of h_{t-1}: hidden_states[0] is the initial state."
    ),
    "error_reinjected": (
        "The last step's output error enters more than once. Each step has its own error dY[t], and it enters once. "
        "Look at the line where the output error joins dL/dh_t: does its index move with the loop? And at what the "
        "carry starts from."
    ),
    "errors_dropped": (
        "Only the last step's error is used. The loss depends on the outputs of all steps. Look at where dY enters: "
        "before the loop, or in every round of it?"
    ),
    "not_zeroed": (
        "Something survives from one call to the next. Each call is about its own data and starts from zero. Look at "
        "where the gradient sums and the carry are created: inside backward or outside?"
    ),
    "stale_cache": (
        "Something old is used again. Each call is about its own data. Look at what is stored outside backward, and at "
        "what decides whether it is made anew."
    ),
    "not_summed": (
        "Only one step's share is left. The same weight is used at every step, so its gradient is a sum over steps. "
        "Look at the lines that store the gradients: do they add, or replace?"
    ),
    "bias_missing": (
        "A bias gets no gradient. It is added at every step and for every sequence. Look at its line: is there one, "
        "and does it add anything?"
    ),
    "gradient_transposed": (
        "A gradient lies on its side. dL/dW has the shape of W: rows are outputs, columns inputs. Look at the order "
        "of the two factors in that product."
    ),
    "scale": (
        "The direction is right, the length is not. The loss already holds its own averaging, and dY carries it: "
        "backward only sums. Look for a division or a factor that does not belong."
    ),
    "weight_decay": (
        "Something of the parameters is added to the gradients. A penalty on large weights is not in the loss that dY "
        "comes from; it belongs to the optimiser. Look for a term with the parameter itself."
    ),
    "params_changed": (
        "backward changes the parameters. It should only read them: the optimiser's step comes after, and the rest of "
        "the walk back needs the old values. Look for an assignment into params."
    ),
}
